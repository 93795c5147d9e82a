"""Commands about one service that conversations go to."""
