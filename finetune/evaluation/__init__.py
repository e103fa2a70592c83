"""How good an engine is at every task, against instructions whose answers are known. See `finetune.evaluate`."""
