"""What `finetune.train` is made of: settings, plan, token ids, masks, rows, the trainer and its guards."""
