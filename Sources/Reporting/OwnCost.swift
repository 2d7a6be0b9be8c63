/// Id of the mechanism that measures the tool itself, fixed by the method: its series are shown apart and
/// last. Reports take it as a parameter, so that a command with another registry can say otherwise.
public let ownCostMechanism = "null"
