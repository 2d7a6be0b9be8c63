import Results

extension Export {
  /// A script for DuckDB that reads CSV files of any schema version and writes one Parquet file.
  ///
  /// Everything is read as text and then cast, so that nothing depends on what the first rows look like. Columns
  /// that a file lacks, because they were added later, get the values that ipcbench itself assumes; columns that
  /// are newer than this script are kept as text.
  static let parquetSQL = Export(
    name: "parquet-sql", summary: "a DuckDB script: CSV files of any age into one Parquet file",
    maker: .files { paths throws(ExportError) in
      Exported([Exported.File(name: "parquet.sql", text: parquetScript(paths))])
    })

  private static func parquetScript(_ paths: [String]) -> String {
    let files = paths.map { "  \(sqlString($0.escapedForGlob))" }.joined(separator: ",\n")
    let absent = ParquetColumn.all.map { "    NULL::VARCHAR AS \($0.name)" }.joined(separator: ",\n")
    let typed = ParquetColumn.all.map { "  \($0.expression) AS \($0.name)" }.joined(separator: ",\n")
    return """
      -- Results of ipcbench as one Parquet file, results.parquet: run this with duckdb.
      -- Afterwards: SELECT mechanism, median(value) FROM 'results.parquet'
      --   WHERE metric = 'latency_rtt_p50' AND status = 'ok' AND probes_agree GROUP BY ALL;
      CREATE OR REPLACE TEMP TABLE rows AS SELECT * REPLACE (
      \(typed)
      ) FROM (
        SELECT
      \(absent)
        WHERE false
        UNION ALL BY NAME
        SELECT * FROM read_csv([
      \(files)
        ], header = true, delim = ',', quote = '"', escape = '"', all_varchar = true, union_by_name = true)
      );
      COPY (SELECT * FROM rows ORDER BY run_id, session_id, order_in_session, metric)
        TO 'results.parquet' (FORMAT parquet, COMPRESSION zstd);

      """
  }

  private static func sqlString(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }
}

/// How a column is read from text.
private struct ParquetColumn {
  var name: String
  var type: String?
  /// For a file without the column, or an empty field.
  var otherwise: String?

  var expression: String {
    let value = type.map { "CAST(\(name) AS \($0))" } ?? name
    return otherwise.map { "coalesce(\(value), \($0))" } ?? value
  }

  /// The columns of results.csv; those that are not named here are text that is never absent.
  static let all: [ParquetColumn] = TidyRow.columns.map { name in
    switch name {
    case "schema_version", "producers", "consumers", "trial", "pair_index", "order_in_session":
      ParquetColumn(name: name, type: "INTEGER")
    case "message_bytes", "samples": ParquetColumn(name: name, type: "BIGINT")
    case "rate_target_per_s", "value": ParquetColumn(name: name, type: "DOUBLE")
    case "touch": ParquetColumn(name: name, otherwise: "'all'")
    case "attempt": ParquetColumn(name: name, type: "INTEGER", otherwise: "0")
    case "probes_agree": ParquetColumn(name: name, type: "BOOLEAN", otherwise: "true")
    default: ParquetColumn(name: name, otherwise: "''")
    }
  }
}

extension String {
  /// DuckDB expands `*`, `?` and `[…]` in the names of files.
  fileprivate var escapedForGlob: String { map { "*?[".contains($0) ? "[\($0)]" : String($0) }.joined() }
}
