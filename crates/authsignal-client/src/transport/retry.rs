//! What may be repeated, and when: values in, values out.
use std::time::Duration;

/// What a second copy of a call would do at the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// No more than the first: it only asks, or an idempotency key makes both one.
    Safe,
    /// Perhaps something: it is repeated only if the first copy was never looked at.
    Unsafe,
}

/// How one try failed, as far as repeating it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureCause {
    /// No connection was made, so nothing was sent.
    Unsent,
    /// The connection was lost after something was sent.
    Lost,
    /// The share of the deadline that a try has passed, and it may be that nobody was there.
    Silent,
    /// The service answered with this status.
    Status(u16),
    /// Anything that would not be better the second time.
    Final,
}

/// What is known when a try has failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FailedTry {
    pub(crate) cause: FailureCause,
    pub(crate) repeat: Repeat,
    /// How many times the call was repeated already.
    pub(crate) repeated: u32,
    /// How many times it may be.
    pub(crate) retries: u32,
    /// What `Retry-After` said.
    pub(crate) retry_after: Option<Duration>,
    /// What is left of the deadline.
    pub(crate) left: Duration,
}

/// How long to wait before the next try, or `None` to give up. `random` is any number; it spreads the tries of many
/// clients.
pub(crate) fn pause(failed: FailedTry, random: u32) -> Option<Duration> {
    if failed.repeated >= failed.retries || !may_repeat(failed.cause, failed.repeat) {
        return None;
    }
    if failed.cause == FailureCause::Status(429) && failed.retry_after.is_none() {
        return None;
    }
    let pause = back_off(failed.repeated, random).max(failed.retry_after.unwrap_or_default());
    (pause < failed.left).then_some(pause)
}

/// How long a try waits before it makes room for another: half of what is left, or `None` where it may wait as long as the
/// call. A connection of the pool that somebody in between has forgotten answers nothing, and takes no longer for it.
///
/// A call that cannot be repeated, or that would have no time to be, gets all there is.
pub(crate) fn share(repeat: Repeat, repeated: u32, retries: u32, left: Duration) -> Option<Duration> {
    let half = left / 2;
    let room = half > back_off(repeated, u32::MAX);
    (repeated < retries && repeat == Repeat::Safe && room).then_some(half)
}

/// Whether a try that failed so leaves nothing to hope for from another that is on its way: its failure would not be repeated, or
/// it has made room for the next, which has been paid for.
pub(crate) fn is_settled(cause: FailureCause, repeat: Repeat) -> bool {
    cause == FailureCause::Silent || !may_repeat(cause, repeat)
}

fn may_repeat(cause: FailureCause, repeat: Repeat) -> bool {
    match cause {
        FailureCause::Unsent | FailureCause::Status(429) => true,
        FailureCause::Lost | FailureCause::Silent | FailureCause::Status(500 | 502 | 503 | 504) => {
            repeat == Repeat::Safe
        }
        FailureCause::Status(_) | FailureCause::Final => false,
    }
}

/// 200 ms, 400 ms and so on, each times a factor from one half to one and a half.
fn back_off(repeated: u32, random: u32) -> Duration {
    let base = Duration::from_millis(200).saturating_mul(1 << repeated.min(10));
    base / 2 + base.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMPLE: Duration = Duration::from_secs(60);

    fn failed(cause: FailureCause, repeat: Repeat) -> FailedTry {
        FailedTry { cause, repeat, repeated: 0, retries: 2, retry_after: None, left: AMPLE }
    }

    #[test]
    fn what_may_be_repeated() {
        let second = Some(Duration::from_secs(1));
        // cause, Retry-After, repeated if safe, repeated if not
        let table = [
            (FailureCause::Unsent, None, true, true),
            (FailureCause::Lost, None, true, false),
            (FailureCause::Silent, None, true, false),
            (FailureCause::Status(500), None, true, false),
            (FailureCause::Status(501), None, false, false),
            (FailureCause::Status(502), None, true, false),
            (FailureCause::Status(503), None, true, false),
            (FailureCause::Status(503), second, true, false),
            (FailureCause::Status(504), None, true, false),
            (FailureCause::Status(505), None, false, false),
            (FailureCause::Status(429), None, false, false),
            (FailureCause::Status(429), second, true, true),
            (FailureCause::Status(400), second, false, false),
            (FailureCause::Status(401), None, false, false),
            (FailureCause::Status(408), None, false, false),
            (FailureCause::Status(302), second, false, false),
            (FailureCause::Final, second, false, false),
        ];
        for (cause, retry_after, safe, not_safe) in table {
            let pause = |repeat| pause(FailedTry { retry_after, ..failed(cause, repeat) }, 0).is_some();
            assert_eq!(pause(Repeat::Safe), safe, "{cause:?} {retry_after:?} safe");
            assert_eq!(pause(Repeat::Unsafe), not_safe, "{cause:?} {retry_after:?} unsafe");
        }
    }

    #[test]
    fn only_as_often_as_configured() {
        for retries in 0..4 {
            for repeated in 0..6 {
                let failed = FailedTry { repeated, retries, ..failed(FailureCause::Unsent, Repeat::Safe) };
                assert_eq!(pause(failed, 7).is_some(), repeated < retries, "{repeated} of {retries}");
            }
        }
    }

    #[test]
    fn only_within_the_deadline() {
        let ms = Duration::from_millis;
        // left, Retry-After, expected with the shortest back-off
        let table = [
            (ms(101), None, Some(ms(100))),
            (ms(100), None, None),
            (ms(0), None, None),
            (ms(5000), Some(ms(3000)), Some(ms(3000))),
            (ms(3000), Some(ms(3000)), None),
            (ms(5000), Some(ms(0)), Some(ms(100))),
            (ms(5000), Some(Duration::MAX), None),
        ];
        for (left, retry_after, expected) in table {
            let failed = FailedTry { left, retry_after, ..failed(FailureCause::Status(503), Repeat::Safe) };
            assert_eq!(pause(failed, 0), expected, "{left:?} {retry_after:?}");
        }
    }

    #[test]
    fn half_of_what_is_left_where_another_try_has_room() {
        let ms = Duration::from_millis;
        // repeat, repeated, retries, left, expected
        let table = [
            (Repeat::Safe, 0, 2, ms(5000), Some(ms(2500))),
            (Repeat::Safe, 1, 2, ms(2200), Some(ms(1100))),
            (Repeat::Safe, 2, 2, ms(1000), None),
            (Repeat::Safe, 0, 0, ms(5000), None),
            (Repeat::Unsafe, 0, 2, ms(5000), None),
            (Repeat::Safe, 0, 2, ms(602), Some(ms(301))),
            (Repeat::Safe, 0, 2, ms(600), None),
            (Repeat::Safe, 1, 2, ms(1200), None),
            (Repeat::Safe, 0, 2, ms(0), None),
            (Repeat::Safe, 0, u32::MAX, Duration::MAX, Some(Duration::MAX / 2)),
        ];
        for (repeat, repeated, retries, left, expected) in table {
            assert_eq!(share(repeat, repeated, retries, left), expected, "{repeat:?} {repeated}/{retries} {left:?}");
        }
        assert_eq!(back_off(0, u32::MAX), ms(300), "what the room is for");
    }

    #[test]
    fn the_back_off_doubles_and_spreads() {
        for (repeated, base) in [(0, 200), (1, 400), (2, 800), (10, 204_800), (u32::MAX, 204_800)] {
            assert_eq!(back_off(repeated, 0), Duration::from_millis(base / 2));
            assert_eq!(back_off(repeated, u32::MAX), Duration::from_millis(base / 2 + base));
        }
    }
}
