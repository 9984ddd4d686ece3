"""x"""
from typing import Any
class Trained: pass
def train_network(*a: Any)->Any: raise NotImplementedError
