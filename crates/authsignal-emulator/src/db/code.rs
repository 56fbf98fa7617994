//! How codes look and how long they live.
use std::time::Duration;

use authsignal_client::VerificationMethod;
use uuid::Uuid;

use crate::db::challenge::Waiting;

/// How codes look and how long they live.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CodeForm {
    pub(crate) digits: u32,
    pub(crate) ttl: Duration,
}

impl CodeForm {
    /// What a message by `method` has to bring back, if it is a method of messages.
    pub(crate) fn waiting(self, method: &VerificationMethod) -> Option<Waiting> {
        match method {
            VerificationMethod::EmailOtp | VerificationMethod::Sms | VerificationMethod::Whatsapp => {
                Some(Waiting::Code(random_code(self.digits)))
            }
            VerificationMethod::EmailMagicLink => {
                Some(Waiting::Link { secret: Uuid::new_v4().simple().to_string(), opened: false })
            }
            _ => None,
        }
    }
}

/// Random digits, at most ten.
fn random_code(digits: u32) -> String {
    let (_, random) = Uuid::new_v4().as_u64_pair();
    let digits = digits.min(10);
    format!("{:0width$}", (random & (u64::MAX >> 2)) % 10_u64.pow(digits), width = digits as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_length_that_is_asked_for() {
        for digits in 2..=10 {
            for _ in 0..50 {
                let code = random_code(digits);
                assert!(code.len() == digits as usize && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
            }
        }
    }
}
