"""Messages between the window and its children, and the channel that carries them."""
