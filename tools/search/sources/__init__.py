"""One file per place records come from; each meets `base.Source`."""
