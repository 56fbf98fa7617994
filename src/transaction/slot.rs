//! Where the value of a request is on its way from the layer to the handler.
use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::Response;

use crate::verdict::Verdict;

/// A value that was read, in the extensions of its request: given once, and only with the verdict.
#[derive(Clone)]
pub(crate) struct Slot {
    /// What its type is called by the compiler, for people who look for a mistake.
    pub(crate) type_name: &'static str,
    value: Arc<Mutex<Option<Box<dyn Any + Send>>>>,
    verdict: Option<Verdict>,
    /// The answer in the place of a value, where the body is none, on a route that stops nothing.
    unread: Option<Arc<Response<Bytes>>>,
}

/// Why a value is not given.
pub(crate) enum NotGiven {
    /// It is of another type.
    OtherType(&'static str),
    /// It was given before: to another extractor, or to another copy of the request.
    Gone,
    /// The body is none: this is the answer.
    Unread(Arc<Response<Bytes>>),
}

impl Slot {
    pub(crate) fn new<T: Send + 'static>(value: T) -> Self {
        let value: Box<dyn Any + Send> = Box::new(value);
        let type_name = std::any::type_name::<T>();
        Self { type_name, value: Arc::new(Mutex::new(Some(value))), verdict: None, unread: None }
    }

    /// No value: the body is none. Whoever asks for it is told so.
    pub(crate) fn unread(type_name: &'static str, answer: Response<Bytes>) -> Self {
        Self { type_name, value: Arc::default(), verdict: None, unread: Some(Arc::new(answer)) }
    }

    /// It passed.
    pub(crate) fn passed(self, verdict: Verdict) -> Self {
        Self { verdict: Some(verdict), ..self }
    }

    /// The value and why it passed, out of the slot.
    pub(crate) fn take<T: 'static>(&self) -> Result<(T, Verdict), NotGiven> {
        if let Some(answer) = &self.unread {
            let is_wanted = self.type_name == std::any::type_name::<T>();
            let answer = || NotGiven::Unread(Arc::clone(answer));
            return Err(if is_wanted { answer() } else { NotGiven::OtherType(self.type_name) });
        }
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
