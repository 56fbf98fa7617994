//! Runs the suites of other languages, and believes of them only what they count.
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use authsignal_emulator::Emulator;
use tokio::process::Command;

/// How long a suite may take before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(120);

/// Variables that would send requests for this machine elsewhere.
const PROXIES: [&str; 6] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];

pub(crate) use test_support::processes::root;

/// Node.js, in the repository, where it finds what `npm ci` has installed.
pub(crate) fn node() -> Command {
    let installed = root().join("node_modules/@authsignal/node");
    assert!(installed.exists(), "{} isn't there: run `npm ci --ignore-scripts`", installed.display());
    program("node".into())
}

/// The Python that has the SDK.
pub(crate) fn python() -> Command {
    let python = root().join("target/sdk-python/bin/python");
    assert!(
        python.exists(),
        "{} isn't there: run ./test.sh once, or\n  python3 -m venv target/sdk-python\n  target/sdk-python/bin/pip \
         install --require-hashes --only-binary :all: -r crates/authsignal-emulator/tests/sdk/python/requirements.txt",
        python.display()
    );
    program(python)
}

fn program(path: PathBuf) -> Command {
    let mut command = Command::new(path);
    command.current_dir(root()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    for name in PROXIES {
        command.env_remove(name);
    }
    command
}

/// Tells a suite where its emulator is.
pub(crate) fn against<'a>(command: &'a mut Command, emulator: &Emulator) -> &'a mut Command {
    command
        .env("AUTHSIGNAL_API_URL", emulator.base_url())
        .env("AUTHSIGNAL_API_SECRET_KEY", emulator.secret())
        // The name that the tests within the Python package know it by.
        .env("AUTHSIGNAL_API_SECRET", emulator.secret())
        .env("EMULATOR_ORIGIN", emulator.origin())
}

/// What a program wrote to its standard output and error. It has to end well.
pub(crate) async fn output(command: &mut Command) -> String {
    let program = command.as_std().get_program().to_owned();
    let running = command.spawn().unwrap_or_else(|error| panic!("{program:?} isn't installed: {error}"));
    let ended = tokio::time::timeout(PATIENCE, running.wait_with_output()).await;
    let output = ended.unwrap_or_else(|_| panic!("{command:?} is stuck")).unwrap();
    let [stdout, stderr] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(output.status.success(), "{command:?}: {}\n{stdout}\n{stderr}", output.status);
    stdout + &stderr
}

/// How many tests a run of Node's test runner has passed, by its summary in TAP. None may have been left out.
pub(crate) fn passed_by_node(tap: &str) -> usize {
    let count = |name: &str| -> usize {
        let line = tap.lines().rev().find_map(|line| line.strip_prefix("# ")?.strip_prefix(name));
        let number = line.unwrap_or_else(|| panic!("the runner doesn't say how many: {name}\n{tap}"));
        number.trim().parse().unwrap()
    };
    for name in ["fail ", "cancelled ", "skipped ", "todo "] {
        assert_eq!(count(name), 0, "{name}\n{tap}");
    }
    assert_eq!(count("pass "), count("tests "), "{tap}");
    count("pass ")
}

/// How many tests a run of Python's unittest has passed, by its summary. None may have been left out.
pub(crate) fn passed_by_python(text: &str) -> usize {
    // "OK (skipped=1)" is another line.
    assert_eq!(text.lines().next_back(), Some("OK"), "{text}");
    let ran = text.lines().rev().find_map(|line| line.strip_prefix("Ran ")).expect(text);
    ran.split_once(" test").expect(text).0.parse().unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_of_node() {
        let tap = "# tests 3\n# suites 0\n# pass 3\n# fail 0\n# cancelled 0\n# skipped 0\n# todo 0\n# duration_ms 9\n";
        assert_eq!(passed_by_node(tap), 3);
        for (good, bad) in [
            ("# skipped 0", "# skipped 1"),
            ("# todo 0", "# todo 1"),
            ("# fail 0", "# fail 1"),
            ("# cancelled 0", "# cancelled 1"),
            ("# pass 3", "# pass 2"),
            ("# skipped 0\n", ""),
        ] {
            let tap = tap.replace(good, bad);
            assert!(std::panic::catch_unwind(|| passed_by_node(&tap)).is_err(), "{bad}");
        }
    }

    #[test]
    fn summaries_of_python() {
        assert_eq!(passed_by_python("..\n------\nRan 12 tests in 0.042s\n\nOK\n"), 12);
        assert_eq!(passed_by_python("Ran 1 test in 0.042s\n\nOK\n"), 1);
        for bad in ["Ran 2 tests in 0.1s\n\nOK (skipped=1)\n", "Ran 2 tests in 0.1s\n\nFAILED (errors=1)\n", "OK\n", ""]
        {
            assert!(std::panic::catch_unwind(|| passed_by_python(bad)).is_err(), "{bad:?}");
        }
    }
}
