//! By curl.
