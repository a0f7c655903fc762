"""What an assistant may call: the experts as tools, a calculator, the date."""
