package shop

import groovy.transform.CompileStatic

/** A cart of items. */
@CompileStatic
class Cart {
    String owner
    List items = []

    Cart(String owner) {
        this.owner = owner
        clear()
    }

    def total(double rate) {
        def sum = 0
        items.each { sum += it.price }
        return sum * rate
    }
}

def deploy(String target) {
    def host = "host-${target}"
    sh "deploy ${host}"
}

def twice = { value ->
    def result = value * 2
    return result
}

pipeline {
    agent any
    stages {
        stage('Build') {
            steps {
                sh 'make'
            }
        }
    }
}
