//! Where the time comes from.
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::SignedDuration;

/// Where the time comes from.
///
/// Everything that expires here asks a `Clock` and never the system, so a test moves time instead of sleeping.
/// Clones share one clock: moving one moves all.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use authsignal_client::Clock;
///
/// let clock = Clock::manual(SystemTime::UNIX_EPOCH);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), SystemTime::UNIX_EPOCH + Duration::from_secs(60));
/// ```
#[derive(Clone, Default)]
pub struct Clock(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<Mutex<SystemTime>>),
    /// How much it is ahead of the system's, or behind.
    Ahead(Arc<Mutex<SignedDuration>>),
}

impl Clock {
    /// The system's clock. This is the default everywhere.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands still at `start` until it is moved.
    #[must_use]
    pub fn manual(start: SystemTime) -> Self {
        Self(Source::Manual(Arc::new(Mutex::new(start))))
    }

    /// A clock that goes as the system's does, and can be moved besides.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use authsignal_client::Clock;
    ///
    /// let (clock, system) = (Clock::adjustable(), Clock::system());
    /// clock.advance(Duration::from_secs(600));
    /// assert!(clock.now() >= system.now() + Duration::from_secs(599));
    /// ```
    #[must_use]
    pub fn adjustable() -> Self {
        Self(Source::Ahead(Arc::default()))
    }

    /// The time by this clock.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        match &self.0 {
            Source::System => system(),
            Source::Manual(now) => *locked(now),
            Source::Ahead(by) => moved(system(), *locked(by)),
        }
    }

    /// Moves a manual or an adjustable clock forward by `by`; the system's clock does not move.
    pub fn advance(&self, by: Duration) {
        match &self.0 {
            Source::System => {}
            Source::Manual(now) => {
                let mut now = locked(now);
                *now = now.checked_add(by).unwrap_or(*now);
            }
            Source::Ahead(ahead) => {
                let mut ahead = locked(ahead);
                *ahead = ahead.saturating_add(SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX));
            }
        }
    }

    /// Sets a manual or an adjustable clock to `now`, be it earlier or later; the system's clock stays. An adjustable one
    /// goes on from there.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use authsignal_client::Clock;
    ///
    /// let clock = Clock::adjustable();
    /// let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_768_471_200);
    /// clock.set(then);
    /// assert!(clock.now() >= then && clock.now() < then + Duration::from_secs(60));
    /// ```
    pub fn set(&self, now: SystemTime) {
        match &self.0 {
            Source::System => {}
            Source::Manual(time) => *locked(time) = now,
            Source::Ahead(ahead) => *locked(ahead) = between(system(), now),
        }
    }

    /// How much an adjustable clock is ahead of the system's, or behind where that is negative. The others are not measured
    /// by that: zero.
    #[must_use]
    pub fn offset(&self) -> SignedDuration {
        if let Source::Ahead(ahead) = &self.0 { *locked(ahead) } else { SignedDuration::ZERO }
    }

    /// Has an adjustable clock go so much ahead of the system's, or behind it. The others stay.
    ///
    /// # Examples
    ///
    /// A clock that goes on after a restart as if it had not stood still:
    ///
    /// ```
    /// use std::time::Duration;
    /// use authsignal_client::Clock;
    ///
    /// let (before, after) = (Clock::adjustable(), Clock::adjustable());
    /// before.advance(Duration::from_secs(600));
    /// after.set_offset(before.offset());
    /// assert_eq!(after.offset().as_secs(), 600);
    /// ```
    pub fn set_offset(&self, by: SignedDuration) {
        if let Source::Ahead(ahead) = &self.0 {
            *locked(ahead) = by;
        }
    }

    /// Whole seconds since the Unix epoch; a time before it counts as the epoch.
    #[must_use]
    pub fn unix_seconds(&self) -> u64 {
        self.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
fn system() -> SystemTime {
    SystemTime::now()
}

/// A time that is later, or earlier, by so much; itself where the system knows no such time.
fn moved(time: SystemTime, by: SignedDuration) -> SystemTime {
    let moved =
        if by.is_negative() { time.checked_sub(by.unsigned_abs()) } else { time.checked_add(by.unsigned_abs()) };
    moved.unwrap_or(time)
}

fn between(from: SystemTime, to: SystemTime) -> SignedDuration {
    SignedDuration::system_until(from, to).unwrap_or(SignedDuration::ZERO)
}

fn locked<T>(time: &Mutex<T>) -> MutexGuard<'_, T> {
    time.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System => "Clock(system)",
            Source::Manual(_) => "Clock(manual)",
            Source::Ahead(_) => "Clock(adjustable)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_manual_clock_stands_where_it_was_put() {
        let clock = Clock::manual(at(100));
        clock.set(at(50));
        assert_eq!(clock.now(), at(50));
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.now(), at(51));
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), at(51), "there is no such time");
    }

    #[test]
    fn an_adjustable_clock_goes_on_from_where_it_was_put() {
        let near = |clock: &Clock, time| clock.now() >= time && clock.now() < time + Duration::from_secs(60);
        let (clock, ahead) = (Clock::adjustable(), Duration::from_secs(1_000_000_000));
        let today = clock.now();
        for time in [at(0), at(1_768_471_200), today + ahead, UNIX_EPOCH - ahead] {
            clock.set(time);
            assert!(near(&clock, time), "{time:?}");
            clock.advance(ahead);
            assert!(near(&clock, time + ahead), "{time:?}");
        }
        clock.advance(Duration::MAX);
        assert!(near(&clock, today), "there is no such time");
        assert!(clock.clone().now() >= today, "a clone is the same clock");
    }

    #[test]
    fn the_systems_clock_stays() {
        let clock = Clock::system();
        clock.set(at(0));
        clock.advance(Duration::from_secs(1_000_000_000));
        assert!(
            clock.now() > at(1_700_000_000) && clock.now() < at(1_700_000_000) + Duration::from_secs(1_000_000_000)
        );
    }
}
