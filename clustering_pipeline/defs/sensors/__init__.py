"""What looks by itself: for batches, triggers, messages to send, and runs that are lost or late."""
