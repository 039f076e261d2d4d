"""Measurements of this project against others, each in one run and with the program that makes its table."""
