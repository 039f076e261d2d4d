"""Style transfer: a content picture painted in the style of another one."""
