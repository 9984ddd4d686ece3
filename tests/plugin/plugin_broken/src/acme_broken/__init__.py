raise RuntimeError("this distribution cannot be imported at all")
