"""What comes into watched folders: looked at without being read twice, and taken in where it is an export."""
