"""What the product survives: killed processes, full disks, locked files, servers that go away."""
