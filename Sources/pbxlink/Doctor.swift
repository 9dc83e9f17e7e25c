// placeholder
import ArgumentParser
struct Doctor: ReportingCommand { func execute() async throws {} }
