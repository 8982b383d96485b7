"""Operations staff: what they see and do in the Prefect UI, in a real browser on a real installation."""
