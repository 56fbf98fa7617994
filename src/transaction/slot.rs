//! Where the value of a request is on its way from the layer to the handler.
use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use crate::verdict::Verdict;

/// A value that was read, in the extensions of its request: given once, and only with the verdict.
#[derive(Clone)]
pub(crate) struct Slot {
    /// What its type is called by the compiler, for people who look for a mistake.
    pub(crate) type_name: &'static str,
    value: Arc<Mutex<Option<Box<dyn Any + Send>>>>,
    verdict: Option<Verdict>,
}

/// Why a value is not given.
pub(crate) enum NotGiven {
    /// It is of another type.
    OtherType(&'static str),
    /// It was given before: to another extractor, or to another copy of the request.
    Gone,
}

impl Slot {
    pub(crate) fn new<T: Send + 'static>(value: T) -> Self {
        let value: Box<dyn Any + Send> = Box::new(value);
        Self { type_name: std::any::type_name::<T>(), value: Arc::new(Mutex::new(Some(value))), verdict: None }
    }

    /// It passed.
    pub(crate) fn passed(self, verdict: Verdict) -> Self {
        Self { verdict: Some(verdict), ..self }
    }

    /// The value and why it passed, out of the slot.
    pub(crate) fn take<T: 'static>(&self) -> Result<(T, Verdict), NotGiven> {
        let mut value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(verdict) = &self.verdict else { return Err(NotGiven::Gone) };
        match value.take().map(|value| value.downcast::<T>()) {
            Some(Ok(value)) => Ok((*value, verdict.clone())),
            Some(Err(other)) => {
                *value = Some(other);
                Err(NotGiven::OtherType(self.type_name))
            }
            None => Err(NotGiven::Gone),
        }
    }
}
