//! What is written to the log, for tests that read it.
use std::io;
use std::sync::{Arc, LazyLock, Mutex};

use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

/// A log in memory.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Hears this thread while the guard lives.
    pub(crate) fn listen(&self) -> tracing::subscriber::DefaultGuard {
        self.listen_to(FmtSpan::NONE)
    }

    /// The same, and has these events of spans by themselves as well.
    pub(crate) fn listen_to(&self, spans: FmtSpan) -> tracing::subscriber::DefaultGuard {
        // With one subscriber alone, what another thread logs first is never asked of it (tracing-core, `callsite`).
        static OTHER: LazyLock<tracing::Dispatch> =
            LazyLock::new(|| tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new()));
        LazyLock::force(&OTHER);
        let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(self.clone());
        tracing::subscriber::set_default(subscriber.with_span_events(spans).with_ansi(false).finish())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
