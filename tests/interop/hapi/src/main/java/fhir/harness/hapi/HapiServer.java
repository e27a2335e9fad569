package fhir.harness.hapi;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.validation.IInstanceValidatorModule;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.springframework.web.context.support.AnnotationConfigWebApplicationContext;

/** Serves HAPI FHIR's JPA server on the loopback address: {@code HapiServer PORT}. It ends when it is told to. */
public final class HapiServer {
  private HapiServer() {}

  public static void main(String[] arguments) throws Exception {
    int port = Integer.parseInt(arguments[0]);
    Server jetty = new Server();
    ServerConnector connector = new ServerConnector(jetty);
    connector.setHost("127.0.0.1");
    connector.setPort(port);
    jetty.addConnector(connector);

    ServletContextHandler web = new ServletContextHandler("/", ServletContextHandler.NO_SESSIONS);
    jetty.setHandler(web);
    AnnotationConfigWebApplicationContext spring = new AnnotationConfigWebApplicationContext();
    spring.setServletContext(web.getServletContext());
    spring.register(HapiConfig.class);
    spring.refresh();
    spring.registerShutdownHook();

    web.addServlet(new ServletHolder(spring.getBean(RestfulServer.class)), "/fhir/*");
    jetty.start();
    WarmUp.run(
        spring.getBean(FhirContext.class),
        spring.getBean(PrePopulatedValidationSupport.class),
        spring.getBean(IInstanceValidatorModule.class));
    System.out.println("HAPI FHIR serves http://127.0.0.1:" + connector.getLocalPort() + "/fhir");
    jetty.join();
  }
}
