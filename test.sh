#!/usr/bin/env bash
# Every check of these packages, in order, on a Debian machine with a Rust toolchain; the first that fails ends it.
#
#   ./test.sh    all checks; as root or with sudo, which is asked only if something has to be installed
#
# Each line that is echoed with a `+` can be run alone.
set -euo pipefail
cd "$(dirname "$0")"

heading() { printf '\n== %s (after %s s)\n' "$1" "$SECONDS"; }
run() {
    printf '+ %s\n' "$*"
    "$@"
}

heading 'What the checks need'
missing=()
need() { command -v "$1" >/dev/null || missing+=("${@:2}"); }
need cc build-essential
need chromium chromium
need chromedriver chromium-driver
need curl curl
need npm nodejs npm
need redis-cli redis-tools
need redis-server redis-server
# In a folder of its version's, which is in nobody's path. Debian starts one as a service too, which no check uses.
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
need valgrind valgrind
# Where it is not in everybody's path.
[ -x /usr/sbin/nginx ] || need nginx nginx-light
# Debian's Python comes without the half of `venv` that fills an environment.
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
[ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
if [ ${#missing[@]} -gt 0 ]; then
    as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    run "${as_root[@]}" apt-get update
    run "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
fi
command -v cargo >/dev/null || { echo 'no Rust toolchain: see https://rustup.rs' >&2; exit 1; }
cargo fmt --version >/dev/null 2>&1 || run rustup component add rustfmt
cargo clippy --version >/dev/null 2>&1 || run rustup component add clippy
run cargo --version
run chromium --version
run chromedriver --version
run npm ci --ignore-scripts --no-audit --no-fund
# Authsignal's SDK for Python, in an environment of its own, which is made anew when its list has changed.
requirements=crates/authsignal-emulator/tests/sdk/python/requirements.txt
if ! cmp -s "$requirements" target/sdk-python/requirements.txt; then
    run python3 -m venv --clear target/sdk-python
    run target/sdk-python/bin/pip install --quiet --require-hashes --only-binary :all: -r "$requirements"
    run cp "$requirements" target/sdk-python/
fi

heading 'Format'
run cargo fmt --all --check

heading 'Lints: all features, none, each alone'
run cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
# Without `--all-targets`: tests and examples have every feature on, whatever is asked for.
run cargo clippy --locked -p axum-authsignal -- -D warnings
run cargo clippy --locked -p axum-authsignal-derive -- -D warnings
run cargo clippy --locked -p axum-authsignal --features jwks -- -D warnings
run cargo clippy --locked -p axum-authsignal --features testing -- -D warnings
run cargo clippy --locked -p axum-authsignal --features metrics -- -D warnings
run cargo clippy --locked -p axum-authsignal --features utoipa -- -D warnings
run cargo clippy --locked -p axum-authsignal --no-default-features -- -D warnings
run cargo clippy --locked -p axum-authsignal --no-default-features --features derive -- -D warnings
run cargo clippy --locked -p axum-authsignal --no-default-features --features hyper -- -D warnings
run cargo clippy --locked -p authsignal-client -- -D warnings
run cargo clippy --locked -p authsignal-client --no-default-features -- -D warnings
run cargo clippy --locked -p authsignal-client --no-default-features --features reqwest -- -D warnings
run cargo clippy --locked -p authsignal-client --no-default-features --features hyper -- -D warnings
run cargo clippy --locked -p authsignal-client --features axum -- -D warnings
run cargo clippy --locked -p authsignal-client --features jwks -- -D warnings
run cargo clippy --locked -p authsignal-emulator -- -D warnings
run cargo clippy --locked -p axum-authsignal-testing -- -D warnings
run cargo clippy --locked -p authsignal-store-redis -- -D warnings
run cargo clippy --locked -p authsignal-store-redis --features sentinel -- -D warnings
run cargo clippy --locked -p authsignal-store-redis --features cluster -- -D warnings
run cargo clippy --locked -p authsignal-store-redis --features tls -- -D warnings
run cargo clippy --locked -p authsignal-store-sqlx -- -D warnings
run cargo clippy --locked -p authsignal-store-sqlx --features postgres -- -D warnings
run cargo clippy --locked -p authsignal-store-sqlx --features sqlite -- -D warnings

heading 'The client alone needs no axum, and for its extractor the core of it'
# Says which packages whose names begin with axum are in the tree that its arguments ask for.
axum_in() {
    printf '+ cargo tree --locked -e normal %s\n' "$*" >&2
    cargo tree --locked -e normal --prefix none "$@" | grep -oE '^axum[a-z-]* v' | sort -u | tr -d '\n' || true
}
if [ "$(axum_in -p authsignal-client)" != '' ] || [ "$(axum_in -p authsignal-client --features axum,jwks)" != 'axum-core v' ]; then
    echo 'the client depends on more of axum than it may' >&2
    exit 1
fi
echo '+ cargo tree --locked -e normal -p axum-authsignal --all-features'
tree=$(cargo tree --locked -e normal --prefix none -p axum-authsignal --all-features)
if grep -E '^(authsignal-emulator|toml|webauthn-rs-core) v' <<<"$tree"; then
    echo 'the layer has the emulator in its tree' >&2
    exit 1
fi

heading 'Documentation'
run env RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --workspace
run env RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --workspace --all-features

heading 'Package'
for name in axum-authsignal axum-authsignal-derive authsignal-client authsignal-emulator authsignal-store-redis authsignal-store-sqlx \
    axum-authsignal-testing; do
    echo "+ cargo package --locked --allow-dirty --no-verify --list -p $name"
    package=$(cargo package --locked --allow-dirty --no-verify --list -p "$name")
    for file in Cargo.toml README.md LICENSE-MIT LICENSE-APACHE src/lib.rs; do
        grep -qxF "$file" <<<"$package" || { echo "$file is not in the package $name" >&2; exit 1; }
    done
    if grep -E '^(tests/|crates/|node_modules/|\.ci/|test\.sh)' <<<"$package"; then
        echo "these do not belong into the package $name" >&2
        exit 1
    fi
done
# Cargo unpacks the packages that another one of them needs once for each checkout and version, and never again: what an
# earlier run unpacked would be built in place of what was packed just now.
run find "${CARGO_HOME:-$HOME/.cargo}/registry/src" -mindepth 2 -maxdepth 2 -path '*/src/-*' \
    \( -name 'axum-authsignal*-[0-9]*' -o -name 'authsignal-*-[0-9]*' \) -exec rm -rf {} +
run cargo package --locked --allow-dirty --workspace --exclude several-nodes --exclude test-support --exclude recipes

heading 'Licences, bans, sources'
cargo deny --version >/dev/null 2>&1 || run cargo install --locked cargo-deny
run cargo deny --locked --workspace --all-features check licenses bans sources

heading 'Measurements: they compile, compare like with like, and a guarded request takes no more instructions than it did'
(cd benches && run cargo fmt --check)
(cd benches && run cargo clippy --locked --release --all-targets -- -D warnings)
(cd benches && run cargo run --locked --release -- check)
(cd benches && run cargo run --locked --release -- instructions)

heading 'Changes of what decides about a request and about a token, one by one, and whether the tests notice each'
cargo mutants --version >/dev/null 2>&1 || run cargo install --locked cargo-mutants
# Of a few pure functions, by name: a share by number would be of other changes after each commit. A property that a change
# breaks would be written down beside the code.
run env PROPTEST_DISABLE_FAILURE_PERSISTENCE=1 cargo mutants --no-config -p axum-authsignal --all-features --in-place --baseline=skip \
    --timeout 240 -o target --file src/domain/decision.rs --file src/domain/flow.rs \
    --re 'in decide$' --re 'replace decide ' --re 'Opening::attribute' -- --lib domain

heading 'A release refuses what is for tests: the layer built as one is, apart from its optimizations'
run cargo test --locked --workspace --all-features --test release \
    --config profile.dev.package.axum-authsignal.debug-assertions=false

heading 'The module for pages: what is served is what is written, and its types hold'
run npm run build
run git diff --exit-code js/step-up.min.js
run npx tsc --noEmit --strict --skipLibCheck false --target es2022 --module nodenext --lib es2022,dom js/types.test.ts

heading 'Tests: everything, examples and documentation too'
# Most of them wait: for a browser, a database, a time to run out.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-4}
# What the model of the store's loop tried is written down: docs/model.md.
run rm -f target/certificate.json
run env CERTIFICATE="$PWD/target/certificate.json" cargo test --locked --workspace --all-features
