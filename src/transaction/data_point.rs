//! Which types of fields are data points by themselves.
use authsignal_client::CustomValue;

/// A type whose values are data points: texts, numbers, flags, lists of texts, and each of these that may be missing.
///
/// A field of another type is sent and shown as its `Display` says, with `#[transaction(display)]`, or left out with
/// `#[transaction(skip)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no data point",
    label = "Authsignal cannot be told a field of this type as it is",
    note = "say `#[transaction(display)]` to send and show it as its `Display` says, or `#[transaction(skip)]` to leave it out, or \
            write `impl DataPoint for {Self}`"
)]
pub trait DataPoint {
    /// What is sent and shown; `None` for what is neither.
    fn data_point(&self) -> Option<CustomValue>;
}

macro_rules! data_points {
    ($($of:ty as $sent:ty;)*) => {
        $(
            impl DataPoint for $of {
                fn data_point(&self) -> Option<CustomValue> {
                    Some(<$sent>::from(self.clone()).into())
                }
            }
        )*
    };
}

data_points! {
    String as String;
    bool as bool;
    u8 as u32;
    u16 as u32;
    u32 as u32;
    u64 as u64;
    i8 as i32;
    i16 as i32;
    i32 as i32;
    i64 as i64;
    f32 as f64;
    f64 as f64;
    Vec<String> as Vec<String>;
}

impl<T: DataPoint> DataPoint for Option<T> {
    fn data_point(&self) -> Option<CustomValue> {
        self.as_ref().and_then(DataPoint::data_point)
    }
}
