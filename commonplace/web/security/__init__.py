"""What stands between the outside and every route."""
