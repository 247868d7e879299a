"""What all pages share: colours, actions, widgets, drawing of traces."""
