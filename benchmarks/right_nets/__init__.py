"""Small correct nets that fix sizes in code, keep state, pack sequences, set dtypes and choose branches."""
