"""What texts mean, as vectors: passages and the models that embed them."""
