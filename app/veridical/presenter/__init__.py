"""PROCESS: shows pictures, asks ratings, and marks both on the LSL clock."""
