//! Three copies of the schema say the same: both trees of migrations and `schema.rs`.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};

use crate::support::db::{Db, stories};

stories! {
    the_database_has_the_columns_of_schema_rs,
}

type Tables = BTreeMap<String, Vec<(String, String)>>;

/// The tables of `schema.rs`: column and type, in order.
fn declared() -> Tables {
    let mut tables = Tables::new();
    let mut table = String::new();
    for line in include_str!("../../src/store/schema.rs").lines().map(str::trim) {
        if let Some((column, kind)) = line.split_once(" -> ") {
            let columns = tables.entry(table.clone()).or_default();
            columns.push((column.to_owned(), kind.trim_end_matches(',').to_owned()));
        } else if let Some((name, _key)) = line.split_once(" (").filter(|_| line.ends_with('{')) {
            table = name.to_owned();
        }
    }
    tables
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    tbl: String,
    #[diesel(sql_type = Text)]
    col: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Integer)]
    required: i32,
}

fn sqlite_columns(path: &str) -> Vec<Column> {
    let mut conn = SqliteConnection::establish(path).unwrap();
    diesel::sql_query(
        "SELECT t.name AS tbl, c.name AS col, c.type AS kind, c.\"notnull\" AS required
         FROM sqlite_schema t JOIN pragma_table_info(t.name) c
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' ORDER BY t.name, c.cid",
    )
    .load(&mut conn)
    .unwrap()
}

async fn postgres_columns(url: &str) -> Vec<Column> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    let rows = client
        .query(
            "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'NO'
             FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position",
            &[],
        )
        .await
        .unwrap();
    drop(client);
    driver.await.unwrap().unwrap();
    rows.iter()
        .map(|row| Column {
            tbl: row.get(0),
            col: row.get(1),
            kind: row.get::<_, String>(2).to_uppercase(),
            required: i32::from(row.get::<_, bool>(3)),
        })
        .collect()
}

async fn the_database_has_the_columns_of_schema_rs(db: Db) {
    let columns = match db.config.url.strip_prefix("sqlite:") {
        Some(path) => sqlite_columns(path),
        None => postgres_columns(&db.config.url).await,
    };
    let mut found = Tables::new();
    for Column { tbl, col, kind, required } in columns {
        let kind = match kind.as_str() {
            "BIGINT" => "BigInt",
            "INTEGER" => "Integer",
            "SMALLINT" => "SmallInt",
            "TEXT" => "Text",
            "BLOB" | "BYTEA" => "Binary",
            "BOOLEAN" => "Bool",
            _ if tbl.starts_with("__") => continue,
            other => panic!("{tbl}.{col}: {other} is none of the types in use"),
        };
        let kind = if required == 1 { kind.to_owned() } else { format!("Nullable<{kind}>") };
        if !tbl.starts_with("__") {
            found.entry(tbl).or_default().push((col, kind));
        }
    }
    let declared = declared();
    assert_eq!(declared.len(), 23);
    assert_eq!(found, declared);
}
