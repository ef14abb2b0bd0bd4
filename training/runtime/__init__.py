"""What a training runs on: device, precision and memory."""
