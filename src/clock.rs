use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where the time comes from.
///
/// Everything that expires here asks a `Clock` and never the system, so a test moves time instead of sleeping.
/// Clones share one clock: moving one moves all.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use axum_authsignal::Clock;
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
    /// How much it is ahead of the system's.
    Ahead(Arc<Mutex<Duration>>),
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

    /// A clock that goes as the system's does, and can be moved forward besides.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use axum_authsignal::Clock;
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
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
        let system = SystemTime::now;
        match &self.0 {
            Source::System => system(),
            Source::Manual(now) => *locked(now),
            Source::Ahead(by) => {
                let now = system();
                now.checked_add(*locked(by)).unwrap_or(now)
            }
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
                *ahead = ahead.saturating_add(by);
            }
        }
    }

    /// Whole seconds since the Unix epoch; a time before it counts as the epoch.
    #[must_use]
    pub fn unix_seconds(&self) -> u64 {
        self.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
    }
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
