"""Never reached: the package fails first."""
