//! Which transaction a handler takes, as the compiler sees it, and as a look at the names of its types does.
use std::any::type_name;

use super::Transaction;
use super::approved::{Approved, MissingTransaction, TYPE_NAME};

/// The arguments of a handler whose first is an [`Approved`]: what axum calls a handler's `T`.
///
/// It is implemented for every number of arguments that a handler may have, if the first is an [`ApprovedArgument`].
#[diagnostic::on_unimplemented(
    message = "this handler does not take an `Approved<..>` as its first argument",
    label = "the layer reads the transaction that the handler takes, and this one takes none",
    note = "write `async fn handler(transfer: Approved<Transfer>, ..)`, or add the route with `GuardedRouter::guarded`"
)]
pub trait TakesApproved {
    /// What it takes.
    type Transaction: Transaction;
}

/// The first argument of a handler that takes an [`Approved`]: that itself, or a `Result` of it.
// With one implementation alone the compiler would take it that the argument is that, and complain of the handler's signature,
// without these words.
#[diagnostic::on_unimplemented(
    message = "this handler's first argument is no `Approved<..>`, but a `{Self}`",
    label = "the layer reads the transaction that the handler takes, and this one takes none",
    note = "write `async fn handler(transfer: Approved<Transfer>, ..)`, or add the route with `GuardedRouter::guarded`"
)]
pub trait ApprovedArgument {
    /// What it takes.
    type Transaction: Transaction;
}

impl<X: Transaction> ApprovedArgument for Approved<X> {
    type Transaction = X;
}

impl<X: Transaction> ApprovedArgument for Result<Approved<X>, MissingTransaction> {
    type Transaction = X;
}

macro_rules! takes_approved {
    ($($more:ident)*) => {
        impl<M, A: ApprovedArgument, $($more),*> TakesApproved for (M, A, $($more),*) {
            type Transaction = A::Transaction;
        }
    };
}

takes_approved!();
takes_approved!(T1);
takes_approved!(T1 T2);
takes_approved!(T1 T2 T3);
takes_approved!(T1 T2 T3 T4);
takes_approved!(T1 T2 T3 T4 T5);
takes_approved!(T1 T2 T3 T4 T5 T6);
takes_approved!(T1 T2 T3 T4 T5 T6 T7);
takes_approved!(T1 T2 T3 T4 T5 T6 T7 T8);
takes_approved!(T1 T2 T3 T4 T5 T6 T7 T8 T9);
takes_approved!(T1 T2 T3 T4 T5 T6 T7 T8 T9 T10);
takes_approved!(T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11);
takes_approved!(T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12);
takes_approved!(T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 T13);
takes_approved!(T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 T13 T14);
takes_approved!(T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 T13 T14 T15);

/// The types of which the arguments `A` of a handler hold an [`Approved`], by the names that the compiler gives them. It shows what a
/// mistake is at start; what nobody finds here is found with the first request.
pub(crate) fn approved_types<A>() -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut rest = type_name::<A>();
    while let Some(at) = rest.find(TYPE_NAME) {
        rest = &rest[at + TYPE_NAME.len()..];
        let mut depth = 1_usize;
        let end = rest.bytes().enumerate().find_map(|(at, byte)| {
            let is_arrow = byte == b'>' && at > 0 && rest.as_bytes()[at - 1] == b'-';
            match byte {
                b'<' => depth += 1,
                b'>' if !is_arrow => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(at)
        });
        found.push(&rest[..end.unwrap_or(rest.len())]);
    }
    found
}

#[cfg(test)]
mod tests {
    use std::marker::PhantomData;

    use authsignal_client::CustomData;
    use serde::{Deserialize, Deserializer};

    use super::*;

    struct Transfer<T>(PhantomData<T>);

    impl<'de, T> Deserialize<'de> for Transfer<T> {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Self(PhantomData))
        }
    }

    impl<T: Send + 'static> Transaction for Transfer<T> {
        const NAME: &'static str = "transfer";

        fn data_points(&self) -> CustomData {
            CustomData::new()
        }
    }

    #[test]
    fn the_names_of_a_handlers_types_are_found() {
        let one = type_name::<Transfer<u8>>();
        let other = type_name::<Transfer<fn(u8) -> Vec<u8>>>();
        assert_eq!(approved_types::<((), Approved<Transfer<u8>>, String)>(), [one]);
        assert_eq!(approved_types::<((), String, Result<Approved<Transfer<fn(u8) -> Vec<u8>>>, String>)>(), [other]);
        let both = approved_types::<((), Approved<Transfer<u8>>, Option<Approved<Transfer<fn(u8) -> Vec<u8>>>>)>();
        assert_eq!(both, [one, other]);
        assert!(approved_types::<((), String, Transfer<u8>)>().is_empty());
    }
}
