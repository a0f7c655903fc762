"""`workbench finetune …`."""
