// Owns what an emitted program calls besides the builtins.
export {}
