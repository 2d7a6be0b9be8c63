import Results

extension Export {
  /// HdrHistogram's percentile text, which its plotters read; the same files as in `histograms/` of a run. The
  /// text does not name its unit, so the file's name does: nanoseconds.
  static let hgrm = Export(
    name: "hgrm", summary: "HdrHistogram percentiles, one file per case and latency",
    makesSeveralFiles: true,
    maker: .histograms { selection throws(ExportError) in
      let files = selection.entries.map { entry in
        // Cases of several runs have the same names.
        let folder = selection.runCount > 1 ? "\(entry.runID)/" : ""
        return Exported.File(
          name: "\(folder)\(entry.identity.fileName(entry.name))_ns.hgrm", text: entry.histogram.hgrmText())
      }
      return Exported(files, notes: selection.notes)
    })
}
