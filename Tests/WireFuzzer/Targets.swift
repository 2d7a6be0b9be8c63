/// Every parser that reads what a peer has sent, with packets that it accepts.
let targets: [Target] = []
