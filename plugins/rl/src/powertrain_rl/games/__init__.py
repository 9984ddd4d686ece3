"""Board games of two players, which a player that learns plays against another, or against itself."""
