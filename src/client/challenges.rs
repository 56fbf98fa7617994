mod validate;

pub use validate::{Validate, Validated};
