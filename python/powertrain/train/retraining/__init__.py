"""Training again on new data: a challenger, compared with the champion on the same examples, promoted by a rule."""
