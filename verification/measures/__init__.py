"""What can be measured in pictures and bursts. Checks say what a measure means; nothing here judges."""
