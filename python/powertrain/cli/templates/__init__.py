"""What `powertrain new` begins with: one file for each kind of plugin, copied as it stands."""
