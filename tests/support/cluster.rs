//! A PostgreSQL for this run of the tests: the one of TEST_POSTGRES_URL, else a throw-away cluster
//! where server binaries are found (limits §5).
#![expect(clippy::disallowed_methods, reason = "the environment names the server of the tests")]

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

const TEMPLATE: &str = "espace_template";

/// A server on which tests make databases.
pub(crate) struct Cluster {
    /// Its URL up to the name of the database.
    base: String,
    /// The certificate it shows, where it speaks TLS.
    pub(crate) tls_roots: Option<PathBuf>,
    /// As long as its standard input is open, the watchdog lets the server live.
    _alive: Option<Child>,
}

impl Cluster {
    /// The server of this process, started once; nothing where none is to be had.
    pub(crate) fn of_this_run() -> Option<&'static Self> {
        static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
        let cluster = CLUSTER.get_or_init(|| {
            let cluster = Self::given().or_else(Self::throw_away);
            if let Some(cluster) = &cluster {
                cluster.prepare();
            } else {
                // Not by a macro, whose output the test harness would keep to itself.
                let told = b"\n*** PostgreSQL tests DID NOT RUN: no TEST_POSTGRES_URL and no server binary ***\n";
                std::io::stderr().write_all(told).unwrap();
            }
            cluster
        });
        cluster.as_ref()
    }

    /// The URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.base)
    }

    /// Makes a database with the current schema.
    pub(crate) async fn create(&self, database: &str) {
        execute(&self.url("postgres"), &format!("DROP DATABASE IF EXISTS {database}")).await;
        execute(&self.url("postgres"), &format!("CREATE DATABASE {database} TEMPLATE {TEMPLATE}")).await;
    }

    fn given() -> Option<Self> {
        let url = std::env::var("TEST_POSTGRES_URL").ok()?;
        let (base, _database) = url.rsplit_once('/').expect("TEST_POSTGRES_URL ends in /database");
        Some(Self { base: base.to_owned(), tls_roots: None, _alive: None })
    }

    fn throw_away() -> Option<Self> {
        let binaries = server_binaries()?;
        let folder = std::env::temp_dir().join(format!("espace-postgres-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let prefix = unprivileged(&folder);
        let run = |program: &str, arguments: &[&str]| {
            let mut words = prefix.clone();
            words.push(binaries.join(program).display().to_string());
            words.extend(arguments.iter().map(|word| (*word).to_owned()));
            let output = Command::new(&words[0]).args(&words[1..]).current_dir("/").stdin(Stdio::null()).output();
            let output = output.unwrap();
            assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        };
        let data = folder.join("data").display().to_string();
        run("initdb", &["-D", &data, "-A", "trust", "-U", "espace", "--no-locale", "-E", "UTF8", "--no-sync"]);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (certificate, key) = server_certificate(&folder);
        let log = folder.join("log").display().to_string();
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off \
             -c max_connections=400 -c shared_buffers=64MB \
             -c ssl=on -c ssl_cert_file={} -c ssl_key_file={}",
            certificate.display(),
            key.display()
        );
        run("pg_ctl", &["-D", &data, "-l", &log, "-o", &options, "-w", "start"]);
        let alive = watch(&prefix, &binaries, &folder);
        let base = format!("postgres://espace@127.0.0.1:{port}");
        Some(Self { base, tls_roots: Some(certificate), _alive: Some(alive) })
    }

    /// Makes the database all others are copied from. It has its own thread: the caller may run on a
    /// runtime, which cannot be blocked.
    fn prepare(&self) {
        let (admin, template) = (self.url("postgres"), self.url(TEMPLATE));
        let prepared = std::thread::spawn(move || {
            super::db::block_on(async {
                execute(&admin, &format!("DROP DATABASE IF EXISTS {TEMPLATE}")).await;
                execute(&admin, &format!("CREATE DATABASE {TEMPLATE}")).await;
                let config = espace::store::Config { url: template, ..Default::default() };
                espace::store::Store::migrate(&config).await.unwrap();
            });
        });
        prepared.join().unwrap();
    }
}

/// Runs statements on a database.
pub(crate) async fn execute(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    driver.await.unwrap().unwrap();
}

/// The number a query of a database tells.
pub(crate) async fn count(url: &str, sql: &str) -> i64 {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    let count = client.query_one(sql, &[]).await.unwrap().get(0);
    drop(client);
    driver.await.unwrap().unwrap();
    count
}

fn server_binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions.flatten().map(|version| version.path().join("bin")).collect();
    found.retain(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file());
    found.sort();
    found.pop()
}

/// A certificate for `localhost` and its key, as the server wants them: its own and nobody else's.
fn server_certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.join("server.crt"), folder.join("server.key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    give_to_server(&key);
    (certificate, key)
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Makes the unprivileged user of the server the owner of a path.
fn give_to_server(path: &Path) {
    if is_root() {
        let given = Command::new("chown").arg("postgres").arg(path).status().unwrap();
        assert!(given.success(), "{} could not be given to postgres", path.display());
    }
}

/// The words before a command that must not run as root, which PostgreSQL refuses.
fn unprivileged(folder: &Path) -> Vec<String> {
    if !is_root() {
        return Vec::from(["env".to_owned()]);
    }
    give_to_server(folder);
    ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"].map(str::to_owned).to_vec()
}

/// Starts a shell that stops the server and removes its folder when this process ends, however it
/// ends: its standard input then closes.
fn watch(prefix: &[String], binaries: &Path, folder: &Path) -> Child {
    let stop = format!(
        "cat >/dev/null; {} {}/pg_ctl -D {}/data -m immediate stop; rm -rf {}",
        prefix.join(" "),
        binaries.display(),
        folder.display(),
        folder.display()
    );
    Command::new("setsid")
        .args(["sh", "-c", &stop])
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
