// Asks an engine. Each line of the standard input is the text of a statement as JSON, each line of the standard output
// the rows of its answer, all values as texts, or the error. Usage: node engine.cjs duckdb|clickhouse, with NODE_PATH.
'use strict';

async function openDuckDB() {
  const { DuckDBInstance } = require('@duckdb/node-api');
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  return async (sql) => (await connection.runAndReadAll(sql)).getRowsJson();
}

async function openClickHouse() {
  const { Session } = require('chdb');
  const session = new Session(); // in a temporary folder, so that it keeps views
  session.query('SET output_format_json_quote_decimals = 1, output_format_json_quote_64bit_integers = 1');
  return async (sql) => {
    const lines = session.query(sql, 'JSONCompactEachRow').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
  };
}

async function main() {
  const ask = await { duckdb: openDuckDB, clickhouse: openClickHouse }[process.argv[2]]();
  for await (const line of require('readline').createInterface({ input: process.stdin })) {
    let answer;
    try {
      const rows = await ask(JSON.parse(line));
      answer = { rows: rows.map((row) => row.map((value) => (value === null ? null : String(value)))) };
    } catch (err) {
      answer = { error: String(err.message ?? err) };
    }
    console.log(JSON.stringify(answer));
  }
}

main();
