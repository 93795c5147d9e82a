"""Questions answered from passages: what a model is shown, how much of it, and what it may cite. No input or output."""
