//! End-to-end tests alone; there is no library here. See `tests/`.
