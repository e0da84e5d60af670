//! A fresh database for each test, on both back ends.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use espace::ids::SeededIds;
use espace::store::{Config, Store};

use super::cluster::{self, Cluster};

/// A fresh database with the current schema, removed with the value.
pub(crate) struct Db {
    /// How a store opens it.
    pub(crate) config: Config,
    folder: Option<PathBuf>,
}

impl Db {
    /// A file of SQLite.
    pub(crate) async fn sqlite() -> Self {
        let folder = temporary_folder("sqlite");
        let url = format!("sqlite:{}", folder.join("espace.sqlite").display());
        let config = Config { url, readers: 2, ..Config::default() };
        Store::migrate(&config).await.unwrap();
        Self { config, folder: Some(folder) }
    }

    /// The back end of a test that is told once: SQLite, unless `ESPACE_TEST_STORE=postgres`.
    pub(crate) async fn of_this_run() -> Self {
        if std::env::var_os("ESPACE_TEST_STORE").is_some_and(|store| store == "postgres") {
            return Self::postgres().await.unwrap();
        }
        Self::sqlite().await
    }

    /// A database of PostgreSQL; nothing where there is no server.
    pub(crate) async fn postgres() -> Option<Self> {
        let cluster = Cluster::of_this_run()?;
        let name = format!("t_{}_{}", std::process::id(), number());
        cluster.create(&name).await;
        let config = Config { url: cluster.url(&name), pool: 4, ..Config::default() };
        Some(Self { config, folder: None })
    }

    /// A database that somebody else made and removes.
    pub(crate) fn elsewhere(url: &str) -> Self {
        Self { config: Config { url: url.to_owned(), ..Config::default() }, folder: None }
    }

    /// Whether it is SQLite.
    pub(crate) fn is_sqlite(&self) -> bool {
        self.config.url.starts_with("sqlite:")
    }

    /// Opens the store.
    pub(crate) async fn open(&self) -> Store {
        self.open_with(|_config| ()).await
    }

    /// Opens the store with other settings.
    pub(crate) async fn open_with(&self, change: impl FnOnce(&mut Config)) -> Store {
        let mut config = self.config.clone();
        change(&mut config);
        Store::open(config, Arc::new(SeededIds::new(u64::from(number())))).await.unwrap()
    }

    /// Runs statements behind the store's back, as somebody with the database's password could.
    pub(crate) async fn execute(&self, sql: &str) {
        match self.config.url.strip_prefix("sqlite:") {
            Some(path) => {
                let mut conn = diesel::SqliteConnection::establish(path).unwrap();
                conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
                conn.batch_execute(sql).unwrap();
            }
            None => cluster::execute(&self.config.url, sql).await,
        }
    }

    /// The number a query tells, asked behind the store's back.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        use diesel::RunQueryDsl as _;

        #[derive(diesel::QueryableByName)]
        struct Count {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            count: i64,
        }
        let Some(path) = self.config.url.strip_prefix("sqlite:") else {
            return cluster::count(&self.config.url, sql).await;
        };
        let mut conn = diesel::SqliteConnection::establish(path).unwrap();
        conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
        diesel::sql_query(format!("SELECT ({sql}) AS count")).get_result::<Count>(&mut conn).unwrap().count
    }
}

impl Drop for Db {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            drop(std::fs::remove_dir_all(folder));
        }
    }
}

/// Runs a future on a runtime of its own.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Tells each story on both back ends: `stories! { name, .. }` for each `async fn name(db: Db)`.
macro_rules! stories {
    ($($story:ident),* $(,)?) => {
        mod on_sqlite {
            $(
                #[test]
                fn $story() {
                    $crate::support::db::block_on(async {
                        super::$story($crate::support::db::Db::sqlite().await).await;
                    });
                }
            )*
        }
        mod on_postgres {
            $(
                #[test]
                fn $story() {
                    $crate::support::db::block_on(async {
                        if let Some(db) = $crate::support::db::Db::postgres().await {
                            super::$story(db).await;
                        }
                    });
                }
            )*
        }
    };
}
pub(crate) use stories;

fn temporary_folder(what: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("espace-{what}-{}-{}", std::process::id(), number()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A number no other test of this process has.
fn number() -> u32 {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}
