/// Formats of other tools, one file each.
public enum Exports {}
