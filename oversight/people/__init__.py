"""People in any seat: at the terminal, or on a local web page; what they answered is kept."""
