//! Waits that end: what does not come within [`MAX_WAIT`] fails its test, which says what it waited for.
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, ExitStatus};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long something may take, on a machine that has much else to do. Nothing waits for it that has what it needs.
pub const MAX_WAIT: Duration = Duration::from_secs(45);

/// Waits until something is so. By the machine's clock, also where the time of a test stands still.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < MAX_WAIT, "not within {MAX_WAIT:?}: {what}");
        if begun.elapsed() > Duration::from_secs(1) {
            // It may be long: others need the processor. Tokio's time would be moved by its own sleep, where it stands still.
            std::thread::sleep(Duration::from_millis(1));
        }
        tokio::task::yield_now().await;
    }
}

/// The same on a thread that may sleep.
pub fn until_blocking(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < MAX_WAIT, "not within {MAX_WAIT:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What a future comes to. By tokio's clock.
pub async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(MAX_WAIT, future).await;
    ended.unwrap_or_else(|_| panic!("not within {MAX_WAIT:?}: {what}"))
}

/// What is read of a process' output, and where it is read on. The process is killed if it does not say that much.
pub fn read_from<T: Send + 'static>(
    child: &mut Child,
    read: impl FnOnce(&mut BufReader<ChildStdout>) -> T + Send + 'static,
) -> (T, BufReader<ChildStdout>) {
    let mut stdout = BufReader::new(child.stdout.take().expect("its output is a pipe"));
    let (done, said) = mpsc::channel();
    std::thread::spawn(move || {
        let read = read(&mut stdout);
        let _ = done.send((read, stdout));
    });
    said.recv_timeout(MAX_WAIT).unwrap_or_else(|error| {
        let _ = child.kill();
        panic!("not within {MAX_WAIT:?}: what the process says ({error})")
    })
}

/// The first line that a process says.
pub fn first_line(child: &mut Child) -> (String, BufReader<ChildStdout>) {
    read_from(child, |stdout| {
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        line
    })
}

/// How a process ends.
pub fn end_of(child: &mut Child) -> ExitStatus {
    until_blocking("the process ends", || child.try_wait().unwrap().is_some());
    child.wait().unwrap()
}
